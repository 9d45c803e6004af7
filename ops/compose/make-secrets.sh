#!/bin/sh
# Makes the secrets that docker-compose.yml gives to its containers: drawn once, in the directory `secrets` of the
# working directory. A second run changes nothing, because MySQL takes its passwords only while its volume is empty.
set -eu
if [ -e secrets ]; then
  echo "secrets/ is there already; it stays as it is"
  exit 0
fi
umask 077
draft=$(mktemp -d ./secrets.XXXXXX)
trap 'rm -rf "$draft"' EXIT

# Hexadecimal digits, so that URLs and configuration files need no escapes.
draw() { od -An -v -N24 -tx1 /dev/urandom | tr -d ' \n'; }
put() { printf '%s\n' "$2" >"$draft/$1"; }

redis=$(draw) kafka=$(draw) service=$(draw) migration=$(draw)
put admin_token "$(draw)"
put redis.conf "requirepass $redis"
put redis_url "redis://:$redis@redis:6379"
put kafka_password "$kafka"
put kafka_jaas.conf "KafkaServer {
  org.apache.kafka.common.security.plain.PlainLoginModule required
  username=\"coupon\" password=\"$kafka\" user_coupon=\"$kafka\";
};"
# For Kafka's own tools; see docs/operations.md.
put kafka_client.properties "security.protocol=SASL_PLAINTEXT
sasl.mechanism=PLAIN
sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"coupon\" password=\"$kafka\";"
put mysql_root_password "$(draw)"
put mysql_password "$service"
put database_url "mysql://coupon:$service@mysql:3306/coupon"
put mysql_migration_password "$migration"
put migration_database_url "mysql://coupon_migration:$migration@mysql:3306/coupon"

# Compose mounts the files as they are, and each container has a user of its own: the files are readable, the directory
# is not.
chmod 0444 "$draft"/*
mv "$draft" secrets
trap - EXIT
echo "made secrets/ (readable by this user only); keep a copy where your passwords are"
