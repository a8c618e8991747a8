#!/usr/bin/env bash
# An example of the services that inventories/google names: Cloud SQL, Memorystore, a bucket, and the pods' identity.
# Each command fails if what it makes is there already. docs/google.md says what each is for.
set -euo pipefail

PROJECT="${PROJECT:?the project}"
REGION="${REGION:-europe-west1}"
NETWORK="${NETWORK:-default}"
NAMESPACE="${NAMESPACE:-airflow}"
RELEASE="${RELEASE:-production}"
DATABASE_PASSWORD_FILE="${DATABASE_PASSWORD_FILE:?a file with the password of the database user}"

account="airflow@${PROJECT}.iam.gserviceaccount.com"
bucket="gs://${PROJECT}-airflow-logs"

# airflow_cloud_sql_instance; the VPC needs private services access.
gcloud sql instances create airflow --project "$PROJECT" --region "$REGION" --database-version POSTGRES_16 \
  --edition enterprise --tier db-custom-2-7680 --network "$NETWORK" --no-assign-ip --availability-type regional
gcloud sql databases create "$RELEASE" --project "$PROJECT" --instance airflow
# Not --password, which stands in the list of processes.
gcloud sql users create "$RELEASE" --project "$PROJECT" --instance airflow --prompt-for-password \
  < "$DATABASE_PASSWORD_FILE"

# airflow_redis_host.
gcloud redis instances create airflow --project "$PROJECT" --region "$REGION" --network "$NETWORK" --tier standard \
  --size 1 --redis-version redis_7_0 --transit-encryption-mode server-authentication --enable-auth \
  --redis-config maxmemory-policy=noeviction

# airflow_remote_logs.
gcloud storage buckets create "$bucket" --project "$PROJECT" --location "$REGION" --uniform-bucket-level-access

# The pods' identity: the release's service account of Kubernetes acts as this one.
gcloud iam service-accounts create airflow --project "$PROJECT"
gcloud projects add-iam-policy-binding "$PROJECT" --member "serviceAccount:${account}" --role roles/cloudsql.client \
  --condition None
gcloud storage buckets add-iam-policy-binding "$bucket" --member "serviceAccount:${account}" \
  --role roles/storage.objectUser
gcloud iam service-accounts add-iam-policy-binding "$account" --project "$PROJECT" \
  --role roles/iam.workloadIdentityUser \
  --member "serviceAccount:${PROJECT}.svc.id.goog[${NAMESPACE}/airflow]"

gcloud sql instances describe airflow --project "$PROJECT" --format 'value(connectionName)'
gcloud redis instances describe airflow --project "$PROJECT" --region "$REGION" --format 'value(host)'
