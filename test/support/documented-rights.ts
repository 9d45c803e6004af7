import { readFileSync } from 'node:fs';
import kafkajs from 'kafkajs';

// Node finds no names of these in kafkajs, which is CommonJS.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** The rights that the documentation gives to the service's own users. Tests give them, and no others. */

const page = (name: string): string => readFileSync(`docs/${name}`, 'utf8');

/** The rules of `ACL SETUSER coupon`, without the password. */
export function redisRules(): string[] {
  const [, rules = ''] = /ACL SETUSER coupon on '>\S+' (.*)$/m.exec(page('operations.md')) ?? [];
  return rules.split(' ').map((rule) => rule.replaceAll("'", ''));
}

/**
 * The statements `GRANT … TO 'coupon'@'%'`.
 * @param account such as `'runner'@'127.0.0.1'`.
 * @param database in place of `coupon`.
 */
export function grants(account: string, database = 'coupon'): string[] {
  const found = [...page('deployment.md').matchAll(/^GRANT (.+) ON coupon\.(\S+) TO 'coupon'@'%';$/gm)];
  return found.map(([, rights, table]) => `GRANT ${rights} ON ${database}.${table} TO ${account}`);
}

/**
 * What the lines `kafka-acls … --add` allow the service's user.
 * @param names what the topic and the group are called here, by their names in the documentation.
 */
export function kafkaAcls(names: Readonly<Record<string, string>> = {}) {
  const lines = page('deployment.md').matchAll(/^kafka-acls .*--allow-principal (\S+) --(topic|group) (\S+) (.+)$/gm);
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
