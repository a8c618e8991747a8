#!/usr/bin/env bash
# Makes a database cluster on an empty data directory, as the official image's variables say, then runs PostgreSQL.
set -o errexit -o nounset -o pipefail

# Set a variable from the file that <name>_FILE names, or to a default.
variable() {
  local name=$1 file_name=$1_FILE default=${2:-}
  if [[ -n ${!name:-} && -n ${!file_name:-} ]]; then
    echo "error: both $name and $file_name are set" >&2
    exit 1
  fi
  if [[ -n ${!file_name:-} ]]; then
    export "$name=$(< "${!file_name}")"
  else
    export "$name=${!name:-$default}"
  fi
  unset "$file_name"
}

# initdb wants a name for the user it runs as; nss_wrapper gives one to a user that /etc/passwd does not know.
name_this_user() {
  if getent passwd "$(id -u)" > /dev/null; then
    return
  fi
  local wrapper
  for wrapper in /usr/lib/*/libnss_wrapper.so; do
    NSS_WRAPPER_PASSWD=$(mktemp)
    NSS_WRAPPER_GROUP=$(mktemp)
    echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" > "$NSS_WRAPPER_PASSWD"
    echo "postgres:x:$(id -g):" > "$NSS_WRAPPER_GROUP"
    export NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP LD_PRELOAD=$wrapper
  done
}

forget_name() {
  if [[ -n ${NSS_WRAPPER_PASSWD:-} ]]; then
    rm -f "$NSS_WRAPPER_PASSWD" "$NSS_WRAPPER_GROUP"
    unset LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
  fi
}

make_cluster() {
  local arguments=()
  eval "arguments=(${POSTGRES_INITDB_ARGS:-})"
  name_this_user
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${arguments[@]}"
  forget_name
  {
    echo
    if [[ ${POSTGRES_HOST_AUTH_METHOD:-} == trust ]]; then
      echo "# Anybody may connect without a password."
    fi
    echo "host all all all ${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "${@:2}")}"
  } >> "$PGDATA/pg_hba.conf"
}

sql() {
  PGHOST='' PGHOSTADDR='' PGPASSWORD=$POSTGRES_PASSWORD \
    psql --set=ON_ERROR_STOP=1 --no-psqlrc --no-password --username="$POSTGRES_USER" "$@"
}

make_database() {
  if [[ $POSTGRES_DB != postgres ]]; then
    sql --dbname=postgres --set=db="$POSTGRES_DB" <<< 'CREATE DATABASE :"db";'
  fi
}

run_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh)
        echo "running $file"
        if [[ -x $file ]]; then
          "$file"
        else
          # shellcheck source=/dev/null
          . "$file"
        fi
        ;;
      *.sql)
        echo "running $file"
        sql --dbname="$POSTGRES_DB" --file="$file"
        ;;
      *.sql.gz)
        echo "running $file"
        gunzip --stdout "$file" | sql --dbname="$POSTGRES_DB"
        ;;
    esac
  done
}

main() {
  if [[ ${1:-} == -* ]]; then
    set -- postgres "$@"
  fi
  if [[ ${1:-} != postgres ]]; then
    exec "$@"
  fi

  mkdir -p "$PGDATA"
  if [[ $(id -u) == 0 ]]; then
    find "$PGDATA" \! -user postgres -exec chown postgres {} +
    chown postgres /var/run/postgresql
    exec gosu postgres "${BASH_SOURCE[0]}" "$@"
  fi
  chmod 0700 "$PGDATA" 2> /dev/null || true

  if [[ ! -s $PGDATA/PG_VERSION ]]; then
    variable POSTGRES_PASSWORD
    variable POSTGRES_USER postgres
    variable POSTGRES_DB "$POSTGRES_USER"
    if [[ -z $POSTGRES_PASSWORD && ${POSTGRES_HOST_AUTH_METHOD:-} != trust ]]; then
      echo "error: POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) is not set: the database needs a password" >&2
      exit 1
    fi
    make_cluster "$@"
    # Nobody outside reaches it before it is complete.
    pg_ctl --pgdata="$PGDATA" --options="$(printf '%q ' "${@:2}" -c listen_addresses=)" --wait start
    make_database
    run_scripts
    pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
  fi
  unset POSTGRES_PASSWORD
  exec "$@"
}

main "$@"
