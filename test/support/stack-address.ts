/** The address of a server that `npm run test:stack` has started. @throws if a suite runs without it. */
export function stackAddress(
  name: 'STACK_REDIS_URL' | 'STACK_KAFKA_BROKERS' | 'STACK_KAFKA_RESTRICTED_BROKERS' | 'STACK_DATABASE_URL',
): string {
  const address = process.env[name];
  if (!address) throw new Error(`${name} is not set: this suite needs real servers, npm run test:stack starts them`);
  return address;
}
