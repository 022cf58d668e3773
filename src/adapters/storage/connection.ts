import { KilnError } from '../../model/errors.ts';

export interface SqliteConnection {
  engine: 'sqlite';
  /** Absolute path. */
  file: string;
}

export interface MysqlConnection {
  engine: 'mysql';
  host: string;
  port: number;
  /** Takes the place of host and port. */
  socketPath: string | null;
  user: string;
  password: string;
  database: string;
  connectTimeoutSeconds: number;
  /** How long the server may be silent while an answer is awaited. */
  readTimeoutSeconds: number;
  /** Null: no TLS was asked for. */
  tls: Tls | null;
  /** Names of options that have no effect, and that nobody would expect to have none. */
  unknownOptions: readonly string[];
}

interface Tls {
  /** Neither of the two: the authorities that this host trusts. */
  caFile: string | null;
  /** A folder with files of certificates. */
  caFolder: string | null;
  certFile: string | null;
  keyFile: string | null;
  keyPassword: string | null;
  ciphers: string | null;
  /** False: encrypted, but anybody may be at its other end. */
  isVerified: boolean;
  checkHostname: boolean;
}

const DEFAULT_PORT = 3306;
/** PyMySQL's. */
const DEFAULT_CONNECT_TIMEOUT_SECONDS = 10;
/** Longer than InnoDB lets a statement wait for a row (innodb_lock_wait_timeout, 50 s): the server speaks first. */
const DEFAULT_READ_TIMEOUT_SECONDS = 60;
/** 2^31 ms is the longest that Node's timers hold. */
const LONGEST_TIMEOUT_SECONDS = 2_000_000;

/** What a URL of SQLAlchemy consists of, by its own rules (`_parse_url`): a password may hold `:`, `/` and `?` as they are. */
const MYSQL_URL =
  /^(?:mysql|mariadb)(?:\+\w+)?:\/\/(?:(?<user>[^:/]*)(?::(?<password>[^@]*))?@)?(?:\[(?<ipv6>[^/?]+)\]|(?<host>[^/:?]+))?(?::(?<port>[^/?]*))?(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/;
const SQLITE_URL = /^sqlite(?:\+\w+)?:\/\/\/(\/.+)$/;

/**
 * Reads `[database] connection`, as SQLAlchemy writes it: `sqlite:////absolute/path`, or
 * `mysql+pymysql://user:password@host:port/database?option=value` (mysql or mariadb, any driver).
 * Of MySQL's options, which are PyMySQL's, these are obeyed: unix_socket, connect_timeout, read_timeout, and those of TLS
 * (tlsOptions). Other ssl options are refused: leaving out what was to protect the password is no small thing. All others are
 * left out, `charset` among them: Kiln's sessions are utf8mb4, which holds every character.
 * @throws STATE_UNUSABLE when it is none of these. The message names no more of the text than the engine and the options.
 */
export function readConnection(connection: string): SqliteConnection | MysqlConnection {
  const file = SQLITE_URL.exec(connection)?.[1];
  if (file) return { engine: 'sqlite', file };

  const engine = /^(\w+)(?:\+\w+)?:/.exec(connection)?.[1] ?? null;
  if (engine === 'sqlite') throw unusable('a SQLite database must be named by its absolute path');
  if (engine !== 'mysql' && engine !== 'mariadb') throw unusable(`the engine ${engine ?? '(none)'} is not supported`);

  const parts = MYSQL_URL.exec(connection)?.groups;
  if (!parts) throw unusable(`this is not a URL of ${engine}`);
  if (!parts.database) throw unusable('the URL names no database');
  const options = new URLSearchParams(parts.query);
  return {
    engine: 'mysql',
    host: parts.ipv6 ?? parts.host ?? 'localhost',
    port: wholeNumber('the port', parts.port || null, DEFAULT_PORT, 65_535),
    socketPath: options.get('unix_socket'),
    user: percentDecode(parts.user ?? ''),
    password: percentDecode(parts.password ?? ''),
    database: parts.database,
    connectTimeoutSeconds: seconds(options, 'connect_timeout', DEFAULT_CONNECT_TIMEOUT_SECONDS),
    readTimeoutSeconds: seconds(options, 'read_timeout', DEFAULT_READ_TIMEOUT_SECONDS),
    tls: readTls(options),
    unknownOptions: [...new Set(options.keys())].filter((name) => !isKnown(name)),
  };
}

const obeyedOptions = ['unix_socket', 'connect_timeout', 'read_timeout'];
/** What they ask for is so anyway, or is of the driver's own making. */
const needlessOptions = ['charset', 'use_unicode', 'autocommit', 'binary_prefix', 'write_timeout'];

function isKnown(name: string): boolean {
  return [...tlsOptions, ...obeyedOptions, ...needlessOptions].includes(name) || name.startsWith('pool_');
}

const tlsOptions = [
  'ssl',
  'ssl_mode',
  'ssl_disabled',
  'ssl_ca',
  'ssl_capath',
  'ssl_cert',
  'ssl_key',
  'ssl_key_password',
  'ssl_cipher',
  'ssl_check_hostname',
  'ssl_verify_cert',
  'ssl_verify_identity',
];
/** mysqlclient's; its PREFERRED, with which whoever is in between takes TLS away, is none of them. */
const tlsModes = ['DISABLED', 'REQUIRED', 'VERIFY_CA', 'VERIFY_IDENTITY'];

/**
 * As PyMySQL and SQLAlchemy have it, and mysqlclient's ssl_mode. Whom a CA vouches for must bear the host's name, unless it is said
 * that it need not.
 */
function readTls(options: URLSearchParams): Tls | null {
  const given = [...options.keys()].filter((name) => name.startsWith('ssl'));
  const unknown = given.filter((name) => !tlsOptions.includes(name));
  if (unknown.length > 0)
    throw unusable(`${unknown.join(', ')}: of the TLS options, ${tlsOptions.join(', ')} are known`);
  const mode = options.get('ssl_mode')?.toUpperCase() ?? null;
  if (mode !== null && !tlsModes.includes(mode)) throw unusable(`ssl_mode must be one of ${tlsModes.join(', ')}`);
  if (given.length === 0 || mode === 'DISABLED' || yesOrNo(options, 'ssl_disabled') === true) return null;
  if (given.every((name) => name === 'ssl' || name === 'ssl_disabled') && yesOrNo(options, 'ssl') !== true) return null;

  const caFile = options.get('ssl_ca');
  const caFolder = options.get('ssl_capath');
  const verifyCert = yesOrNo(options, 'ssl_verify_cert') ?? (mode?.startsWith('VERIFY') ? true : null);
  const verifyIdentity = yesOrNo(options, 'ssl_verify_identity') ?? (mode === 'VERIFY_IDENTITY' ? true : null);
  const checkHostname = verifyIdentity ?? yesOrNo(options, 'ssl_check_hostname') ?? mode !== 'VERIFY_CA';
  if (verifyCert === false && verifyIdentity === true)
    throw unusable(
      'ssl_verify_identity needs ssl_verify_cert: the name in a certificate that nobody vouches for means nothing',
    );
  const isVerified = verifyCert ?? (caFile !== null || caFolder !== null || verifyIdentity === true);
  return {
    caFile,
    caFolder,
    certFile: options.get('ssl_cert'),
    keyFile: options.get('ssl_key'),
    keyPassword: options.get('ssl_key_password'),
    ciphers: options.get('ssl_cipher'),
    isVerified,
    checkHostname: isVerified && checkHostname,
  };
}

/** As SQLAlchemy's `asbool`; null when it is not there. */
function yesOrNo(options: URLSearchParams, name: string): boolean | null {
  const text = options.get(name);
  if (text === null) return null;
  if (/^(true|yes|on|y|t|1)$/i.test(text)) return true;
  if (/^(false|no|off|n|f|0)$/i.test(text)) return false;
  throw unusable(`${name} must be true or false`);
}

function seconds(options: URLSearchParams, name: string, whenAbsent: number): number {
  return wholeNumber(name, options.get(name), whenAbsent, LONGEST_TIMEOUT_SECONDS);
}

function wholeNumber(what: string, text: string | null, whenAbsent: number, largest: number): number {
  if (text === null) return whenAbsent;
  const number = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  // The text is not repeated: what stands in the port's place may be the rest of a password with an @ in it.
  if (number < 1 || number > largest) throw unusable(`${what} must be a whole number from 1 to ${largest}`);
  return number;
}

/** As Python's `unquote`: a % that begins no hexadecimal number stays, and bytes that are not UTF-8 are replaced. */
function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

function unusable(message: string): KilnError {
  return new KilnError('STATE_UNUSABLE', `[database] connection: ${message}`, {
    advice:
      'Write sqlite:////absolute/path/kiln.sqlite or mysql+pymysql://user:password@host/database (in user and password, ' +
      '@ is %40), or leave [database] connection out of the file that Kiln reads.',
  });
}
