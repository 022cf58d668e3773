/**
 * A URL's path as one word that keepalived of any version reads as it stands: quotes, comments (`#`, `!`), blocks,
 * parameters (`$`) and blanks are percent-encoded, which servers decode, and so is everything outside ASCII. The agent looks for
 * `real_server` in every line: that word gets an encoded letter as well.
 */
export function writeUrlPath(urlPath: string): string {
  const encoded = Array.from(Buffer.from(urlPath, 'utf8'), (byte) => {
    const character = String.fromCharCode(byte);
    return /[\w./~?&=+,;:@%*()-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
  return (encoded || '/').replaceAll('real_server', 'real%5Fserver');
}
