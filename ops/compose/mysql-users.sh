#!/bin/sh
# Run by the image of MySQL on its first start, after it has made the database and `coupon_migration`, which owns it.
# The service itself reads and writes rows: it can neither change the schema nor delete a row.
docker_process_sql --database=mysql <<SQL
CREATE USER 'coupon'@'%' IDENTIFIED BY '$(cat /run/secrets/mysql_password)';
GRANT SELECT, INSERT, UPDATE ON coupon.* TO 'coupon'@'%';
SQL
