#!/bin/sh
# Run by the image of MySQL on its first start, after it has made the database and `coupon_migration`, which owns it.
# The service itself reads and writes rows: it cannot change the schema, and deletes only failed events that were resolved
# long ago, old refusals, and drafts of campaigns. A right on a table that does not exist yet has to include CREATE.
docker_process_sql --database=mysql <<SQL
CREATE USER 'coupon'@'%' IDENTIFIED BY '$(cat /run/secrets/mysql_password)';
GRANT SELECT, INSERT ON coupon.* TO 'coupon'@'%';
GRANT UPDATE, CREATE ON coupon.campaigns TO 'coupon'@'%';
GRANT UPDATE, CREATE ON coupon.gate TO 'coupon'@'%';
GRANT UPDATE, CREATE ON coupon.api_keys TO 'coupon'@'%';
GRANT UPDATE, CREATE ON coupon.installation_keys TO 'coupon'@'%';
GRANT UPDATE, DELETE, CREATE ON coupon.failed_events TO 'coupon'@'%';
GRANT UPDATE, DELETE, CREATE ON coupon.refusals TO 'coupon'@'%';
GRANT UPDATE, DELETE, CREATE ON coupon.campaign_drafts TO 'coupon'@'%';
GRANT UPDATE, CREATE ON coupon.approvals TO 'coupon'@'%';
SQL
