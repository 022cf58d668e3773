/** Shown in the place of a secret. */
export const masked = '***';

/** Hides the passwords in URLs (`scheme://user:password@host`), of which a value may hold several. */
export function maskUrlPasswords(text: string): string {
  return text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@,]*:)[^\s/]*@/gi, `$1${masked}@`);
}
