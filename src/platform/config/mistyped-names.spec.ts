import { describe, expect, it } from '@jest/globals';
import { findMistypedNames } from './mistyped-names.js';
import { ENV_VARIABLES } from './variables.js';

describe('a name that is not read', () => {
  it.each([
    ['PROT', 'PORT'],
    ['PORTT', 'PORT'],
    ['PRT', 'PORT'],
    ['PIRT', 'PORT'],
    ['HSOT', 'HOST'],
    ['REDIS_ULR', 'REDIS_URL'],
    ['LOG_LEVL', 'LOG_LEVEL'],
    ['ROLE', 'ROLES'],
    ['XPROFILE', 'PROFILE'],
    ['KAFKA_BROKER', 'KAFKA_BROKERS'],
    ['DATABASE_URI', 'DATABASE_URL'],
    ['ADMIN_TOKEN_FIEL', 'ADMIN_TOKEN_FILE'],
    ['log_level', 'LOG_LEVEL'],
    ['Log_Levle', 'LOG_LEVEL'],
    ['REDIS-URL', 'REDIS_URL'],
  ])('%s is named beside %s', (name, meant) => {
    expect(findMistypedNames(['PATH', name, 'HOME'])).toEqual([`${name} is not read; is ${meant} meant?`]);
  });

  it.each(ENV_VARIABLES)('is found for every edit of %s', (known) => {
    for (let at = 0; at < known.length; at++) {
      const [before, letter, after] = [known.slice(0, at), known.slice(at, at + 1), known.slice(at + 1)];
      const edits = [before + after, `${before}Q${after}`, `${before}Q${letter}${after}`];
      if (after !== '') edits.push(before + after.slice(0, 1) + letter + after.slice(1));
      for (const edit of edits.filter((name) => !ENV_VARIABLES.includes(name))) {
        expect(findMistypedNames([edit])).toEqual([expect.stringContaining(`${edit} is not read`)]);
      }
    }
  });

  it('is no reason to warn if other programs use it', () => {
    const usual = [
      ...ENV_VARIABLES,
      ...['PATH', 'HOME', 'PWD', 'HOSTNAME', 'HOSTTYPE', 'HOSTS', 'PORTS', 'POST', 'TERM', 'LANG', 'SHELL', 'USER'],
      ...['AWS_PROFILE', 'AWS_ROLE_ARN', 'XDG_DATA_DIRS', 'XDG_DATA_HOME', 'NODE_ENV', 'NODE_OPTIONS', 'LOGNAME'],
      // Docker Compose and Kubernetes.
      ...['COMPOSE_FILE', 'API_PORT', 'REDIS_PASSWORD', 'MYSQL_PASSWORD', 'MYSQL_ROOT_PASSWORD', 'KAFKA_PORT'],
      ...['REDIS_PORT', 'REDIS_SERVICE_HOST', 'REDIS_SERVICE_PORT', 'KUBERNETES_PORT', 'KAFKA_SERVICE_HOST'],
      ...['npm_config_loglevel', 'npm_package_name', 'http_proxy', 'NO_PROXY', '_', 'STACK_KAFKA_BROKERS'],
    ];
    expect(findMistypedNames(usual)).toEqual([]);
  });
});
