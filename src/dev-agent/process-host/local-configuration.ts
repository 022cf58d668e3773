/**
 * What HAProxy's configuration says of an amphora, said again for a process on someone's machine. This file is the one
 * place where the two differ.
 *
 * Such a process has no rights to give up, so it can't become another user or go to another root; it must stay in its
 * agent's process group, so that whoever ends the amphora ends HAProxy; the amphora's absolute paths are below a folder;
 * and no syslog listens there. Lines are replaced, never added or removed: the line numbers in HAProxy's messages stay
 * true.
 */

interface LocalPaths {
  /** A path of the amphora → where it is here. */
  here(amphoraPath: string): string;
  /** A crt-list of the amphora → its local version: it holds paths itself. */
  localCrtList(amphoraPath: string): string;
  /** The stats socket, relative to HAProxy's working directory: absolute ones get too long for a Unix socket. */
  statsSocket: string;
  /** An address that listeners are to be bound to → the one that they are bound to now. */
  boundTo(address: string): string;
}

/**
 * First words of lines in `global` that mean nothing here, can't be had without rights, or would take what belongs to the
 * machine's other processes: the TLS cache is sized for an amphora with the machine to itself.
 */
const droppedFromGlobal = new Set(
  'user group uid gid chroot daemon pidfile cpu-map nbthread tune.ssl.cachesize'.split(' '),
);

const sections = new Set(
  (
    'global defaults frontend backend listen peers userlist resolvers mailers cache program ring http-errors ' +
    'log-forward fcgi-app'
  ).split(' '),
);

export function toLocalConfiguration(configuration: string, paths: LocalPaths): string {
  let section = '';
  return configuration
    .split('\n')
    .map((line) => {
      const [, indent = '', word = '', rest = ''] = /^(\s*)(\S*)\s*(.*)$/s.exec(line) ?? [];
      if (sections.has(word)) section = word;
      if (section === 'global') return localGlobalLine(line, { indent, word, rest }, paths);
      if (word === 'bind') return withLocalFiles(withBoundAddress(line, paths), paths);
      if (word === 'server' || word === 'default-server') return withLocalFiles(line, paths);
      if (word === 'external-check')
        return line.replace(/(\scommand\s+)(\/\S+)/, (_, before, path) => before + quote(paths.here(path)));
      return line;
    })
    .join('\n');
}

/** Paths of certificates in a crt-list, where the amphora's absolute ones are here. */
export function toLocalCrtList(crtList: string, here: LocalPaths['here']): string {
  return crtList.replace(/^\/\S+/gm, (path) => quote(here(path)));
}

/** Paths of the crt-lists that a configuration names, as the amphora sees them. */
export function crtListsOf(configuration: string): string[] {
  return [...configuration.matchAll(/^\s*bind\s.*?\scrt-list\s+(\/\S+)/gm)].map(([, path = '']) => path);
}

/** Goes before the local configuration. */
export const localPreamble = `global
    # The limit of open files is that of whoever runs us: too low a one is no reason not to start.
    no strict-limits
    log stderr format short daemon notice
`;

function localGlobalLine(line: string, words: Record<'indent' | 'word' | 'rest', string>, paths: LocalPaths): string {
  const { indent, word, rest } = words;
  if (droppedFromGlobal.has(word)) return `${indent}# not here: ${word} ${rest}`;
  if (word === 'log' && rest.startsWith('/')) return `${indent}# no syslog here: ${word} ${rest}`;
  if (word === 'stats' && /^socket\s/.test(rest)) {
    return `${indent}stats socket unix@${paths.statsSocket} mode 0600 level user`;
  }
  if (word === 'server-state-file' && rest.startsWith('/')) return `${indent}${word} ${quote(paths.here(rest.trim()))}`;
  return line;
}

/** An amphora has a kernel of its own, where the address of the VIP comes and goes; here HAProxy itself has to. */
function withBoundAddress(line: string, { boundTo }: LocalPaths): string {
  return line.replace(/^(\s*bind\s+)(\S+):(\d+)/, (_, before: string, address: string, port: string) => {
    return `${before}${boundTo(address)}:${port}`;
  });
}

function withLocalFiles(line: string, paths: LocalPaths): string {
  return line.replace(
    /(\s)(crt-list|crt|ca-file|ca-verify-file|crl-file)(\s+)(\/\S+)/g,
    (_, before: string, option: string, blank: string, path: string) => {
      const local = option === 'crt-list' ? paths.localCrtList(path) : paths.here(path);
      return `${before}${option}${blank}${quote(local)}`;
    },
  );
}

/** A word of HAProxy's configuration: the folder that we live in may have any name. */
function quote(path: string): string {
  return /^[\w./@+:-]*$/.test(path) ? path : `"${path.replace(/["\\$]/g, '\\$&')}"`;
}
