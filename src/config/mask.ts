/** Shown in the place of a secret. */
export const masked = '***';

/**
 * Hides passwords in a URL: `scheme://user:password@host`, and parameters such as `?password=`. A password may hold any
 * sign, so all up to the last "@" is hidden: rather a host too many than a letter of a password.
 */
export function maskUrlPasswords(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@]*:).*@/is, `$1${masked}@`)
    .replace(/([?&][^=&\s]*pass[^=&\s]*=)[^&\s]*/gi, `$1${masked}`);
}
