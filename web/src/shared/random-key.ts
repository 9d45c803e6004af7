/** 128 random bits as text, for an Idempotency-Key. `crypto.randomUUID` is there over TLS alone, this everywhere. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
