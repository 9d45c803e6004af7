import { readFileSync } from 'node:fs';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';

/** The rights that the documentation gives to the service's own users. Tests give them, and no others. */

const DEPLOYMENT = readFileSync('docs/deployment.md', 'utf8');
const OPERATIONS = readFileSync('docs/operations.md', 'utf8');

/** The rules of `ACL SETUSER coupon`, without the password. */
export function redisRules(): string[] {
  const [, rules = ''] = /ACL SETUSER coupon on '>\S+' (.*)$/m.exec(OPERATIONS) ?? [];
  return rules.split(' ').map((rule) => rule.replaceAll("'", ''));
}

/**
 * The statements `GRANT … TO 'coupon'@'%'`.
 * @param account such as `'runner'@'127.0.0.1'`.
 * @param database in place of `coupon`.
 */
export function grants(account: string, database = 'coupon'): string[] {
  const found = [...DEPLOYMENT.matchAll(/^GRANT (.+) ON coupon\.(\S+) TO 'coupon'@'%';$/gm)];
  return found.map(([, rights, table]) => `GRANT ${rights} ON ${database}.${table} TO ${account}`);
}

/**
 * What the lines `kafka-acls … --add` allow the service's user.
 * @param names what the topic and the group are called here, by their names in the documentation.
 */
export function kafkaAcls(names: Readonly<Record<string, string>> = {}) {
  const lines = DEPLOYMENT.matchAll(/^kafka-acls .*--allow-principal (\S+) --(topic|group) (\S+) (.+)$/gm);
  return [...lines].flatMap(([, principal = '', kind, name = '', operations = '']) =>
    [...operations.matchAll(/--operation (\w+)/g)].map(([, operation = '']) => ({
      principal,
      host: '*',
      resourceType: kind === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
      resourceName: names[name] ?? name,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      operation: AclOperationTypes[operation.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase() as 'READ'],
      permissionType: AclPermissionTypes.ALLOW,
    })),
  );
}
