"""Set up a moto with roles, policies and keys, have it enforce them, and answer as STS does.

A role is given only to a token that the cluster says is of the service account which the role trusts, as AWS asks the
cluster's OpenID provider. The environment: STORE, the URL of moto; ROLES, JSON: by the name of a role, the actions that
it may do and the subject that it trusts.
"""

from __future__ import annotations

import http.server
import json
import os
import ssl
import urllib.parse
import urllib.request
from typing import Any
from xml.sax.saxutils import escape

import boto3

STORE = os.environ["STORE"]
ROLES: dict[str, Any] = json.loads(os.environ["ROLES"])
BUCKET, PREFIX, REGION = "airflow-logs", "production", "eu-central-1"
AUDIENCE = "sts.amazonaws.com"
TOKEN_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 a folder
RESOURCES = {"s3:ListBucket": f"arn:aws:s3:::{BUCKET}"}


def client(service: str, key: str = "setup", secret: str = "setup") -> Any:  # noqa: S107 of moto, before it looks
    return boto3.client(
        service,
        endpoint_url=STORE,
        region_name=REGION,
        verify=False,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


def policy(actions: list[str]) -> str:
    """Return the policy that allows actions of S3 where logs are, and nothing else."""
    objects = f"arn:aws:s3:::{BUCKET}/{PREFIX}/*"
    statements = [
        {"Effect": "Allow", "Action": action, "Resource": RESOURCES.get(action, objects)} for action in actions
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def set_up() -> Any:
    """Make what the scenario needs; return a client of STS that may take every role."""
    iam = client("iam")
    client("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    # Whom a role trusts is looked at below.
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for name, role in ROLES.items():
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        if role["actions"]:
            iam.put_role_policy(RoleName=name, PolicyName="logs", PolicyDocument=policy(role["actions"]))
    keys = {}
    for user, document in {
        "sts": json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}
        ),
        "writer": policy(["s3:ListBucket", "s3:GetObject", "s3:PutObject"]),
        "reader": policy(["s3:ListBucket", "s3:GetObject"]),
        "backups": policy(["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"]),
    }.items():
        iam.create_user(UserName=user)
        iam.put_user_policy(UserName=user, PolicyName="only", PolicyDocument=document)
        made = iam.create_access_key(UserName=user)["AccessKey"]
        keys[user] = {"access_key": made["AccessKeyId"], "secret_key": made["SecretAccessKey"]}
    with open("/tmp/keys.json", "w", encoding="utf-8") as file:  # noqa: S108
        json.dump(keys, file)
    # Everything after this is asked for its rights.
    request = urllib.request.Request(f"{STORE}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})
    urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=10).close()  # noqa: S323
    return client("sts", keys["sts"]["access_key"], keys["sts"]["secret_key"])


def subject(token: str) -> str:
    """Return whose token the cluster says that it is, "" if it is none for STS."""
    with open(f"{TOKEN_FOLDER}/token", encoding="utf-8") as file:
        own = file.read()
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token, "audiences": [AUDIENCE]},
    }
    request = urllib.request.Request(
        "https://kubernetes.default.svc/apis/authentication.k8s.io/v1/tokenreviews",
        data=json.dumps(review).encode(),
        headers={"Authorization": f"Bearer {own}", "Content-Type": "application/json"},
    )
    context = ssl.create_default_context(cafile=f"{TOKEN_FOLDER}/ca.crt")
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        status = json.load(answer)["status"]
    return status["user"]["username"] if status.get("authenticated") and AUDIENCE in status["audiences"] else ""


class Sts(http.server.BaseHTTPRequestHandler):
    sts: Any = None

    def do_GET(self) -> None:
        self._answer(200, "ready")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: values[0] for key, values in urllib.parse.parse_qs(body).items()}
        name = form.get("RoleArn", "").rpartition("/")[2]
        who = subject(form.get("WebIdentityToken", ""))
        if form.get("Action") != "AssumeRoleWithWebIdentity" or not who or who != ROLES.get(name, {}).get("trusts"):
            print(f"refused {name} to {who or 'nobody'}\n", end="", flush=True)
            self._answer(403, _ERROR)
            return
        made = self.sts.assume_role(RoleArn=form["RoleArn"], RoleSessionName=form["RoleSessionName"])["Credentials"]
        print(f"gave {name} to {who}\n", end="", flush=True)
        fields = {**made, "Expiration": made["Expiration"].isoformat()}
        values = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in fields.items())
        self._answer(200, _RESPONSE.format(credentials=values))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args: Any) -> None:
        """Say only what was given and refused."""


_RESPONSE = (
    '<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
    "<AssumeRoleWithWebIdentityResult><Credentials>{credentials}</Credentials></AssumeRoleWithWebIdentityResult>"
    "</AssumeRoleWithWebIdentityResponse>"
)
_ERROR = (
    '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    "<Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error>"
    "</ErrorResponse>"
)

if __name__ == "__main__":
    Sts.sts = set_up()
    http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Sts).serve_forever()  # noqa: S104
