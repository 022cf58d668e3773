import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConnection } from './connection.ts';

const plain = {
  engine: 'mysql',
  host: 'db',
  port: 3306,
  socketPath: null,
  user: 'octavia',
  password: 'secret',
  database: 'octavia',
  connectTimeoutSeconds: 10,
  readTimeoutSeconds: 60,
  tls: null,
  unknownOptions: [],
};

const tls = {
  caFile: null,
  caFolder: null,
  certFile: null,
  keyFile: null,
  keyPassword: null,
  ciphers: null,
  isVerified: true,
  checkHostname: true,
};

describe('[database] connection', () => {
  it.each([
    ['sqlite:////var/lib/kiln.sqlite', { engine: 'sqlite', file: '/var/lib/kiln.sqlite' }],
    ['sqlite+pysqlite:////a:b/c', { engine: 'sqlite', file: '/a:b/c' }],
    ['mysql+pymysql://octavia:secret@db/octavia?charset=utf8', plain],
    ['mysql://octavia:secret@db/octavia', plain],
    ['mariadb+mariadbconnector://octavia:secret@db:3306/octavia?charset=utf8mb4&pool_size=5', plain],
    ['mysql+pymysql://octavia:secret@db:3307/octavia', { ...plain, port: 3307 }],
    ['mysql+pymysql://octavia:secret@[fd00::1]:3307/octavia', { ...plain, host: 'fd00::1', port: 3307 }],
    ['mysql+pymysql://octavia@db/octavia', { ...plain, password: '' }],
    ['mysql+pymysql://o%40x:s%2Fe%3Ac%C3%A4@db/octavia', { ...plain, user: 'o@x', password: 's/e:cä' }],
    ['mysql+pymysql://octavia:a/b:c?d+e%zz%@db/octavia', { ...plain, password: 'a/b:c?d+e%zz%' }],
    [
      'mysql+pymysql://octavia:secret@/octavia?unix_socket=/run/mysqld/mysqld.sock',
      { ...plain, host: 'localhost', socketPath: '/run/mysqld/mysqld.sock' },
    ],
    [
      'mysql+pymysql://octavia:secret@db/octavia?connect_timeout=5&read_timeout=7',
      { ...plain, connectTimeoutSeconds: 5, readTimeoutSeconds: 7 },
    ],
    ['mysql+pymysql://octavia:secret@db/octavia?ssl_ca=/ca.pem', { ...plain, tls: { ...tls, caFile: '/ca.pem' } }],
    [
      'mysql+pymysql://octavia:secret@db/octavia?ssl_cert=/c&ssl_key=/k&ssl_cipher=AES&ssl_check_hostname=False',
      {
        ...plain,
        tls: { ...tls, certFile: '/c', keyFile: '/k', ciphers: 'AES', isVerified: false, checkHostname: false },
      },
    ],
    ...Object.entries({
      'ssl=true': { ...tls, isVerified: false, checkHostname: false },
      'ssl=false': null,
      'ssl_disabled=true&ssl_ca=/c': null,
      'ssl_verify_cert=true': tls,
      'ssl_verify_identity=true': tls,
      'ssl_capath=/cas': { ...tls, caFolder: '/cas' },
      'ssl_ca=/c&ssl_verify_cert=false': { ...tls, caFile: '/c', isVerified: false, checkHostname: false },
      'ssl_ca=/c&ssl_verify_cert=true&ssl_verify_identity=false': { ...tls, caFile: '/c', checkHostname: false },
      'ssl_ca=/c&ssl_verify_identity=true': { ...tls, caFile: '/c' },
      'ssl_ca=/c&ssl_mode=VERIFY_CA': { ...tls, caFile: '/c', checkHostname: false },
      'ssl_ca=/c&ssl_mode=verify_identity': { ...tls, caFile: '/c' },
      'ssl_mode=REQUIRED': { ...tls, isVerified: false, checkHostname: false },
      'ssl_mode=DISABLED': null,
      'ssl_ca=/c&ssl_key=/k&ssl_key_password=pw': { ...tls, caFile: '/c', keyFile: '/k', keyPassword: 'pw' },
    }).map(([query, expected]): [string, object] => [
      `mysql+pymysql://octavia:secret@db/octavia?charset=utf8&${query}`,
      { ...plain, tls: expected },
    ]),
    [
      'mysql+pymysql://octavia:secret@db/octavia?charset=utf8&read_default_file=/x&pool_size=3',
      { ...plain, unknownOptions: ['read_default_file'] },
    ],
  ])('%s', (connection, expected) => {
    expect(readConnection(connection)).toEqual(expected);
  });

  it('gives back any user and password that were percent-encoded', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(text, text, (user, password) => {
        const encode = (part: string) => encodeURIComponent(part).replaceAll("'", '%27');
        const connection = `mysql+pymysql://${encode(user)}:${encode(password)}@db/octavia`;
        expect(readConnection(connection)).toEqual({ ...plain, user, password });
      }),
    );
  });

  it.each([
    ['postgresql://octavia:secret@db/octavia', 'the engine postgresql is not supported'],
    ['secret', 'the engine (none) is not supported'],
    ['sqlite:///secret.db', 'absolute path'],
    ['sqlite://', 'absolute path'],
    ['mysql+pymysql:octavia:secret@db', 'not a URL of mysql'],
    ['mysql+pymysql://octavia:secret@db', 'names no database'],
    ['mysql+pymysql://octavia:secret@db/?charset=utf8', 'names no database'],
    ['mysql+pymysql://octavia:p@secret:x/octavia', 'the port must be a whole number from 1 to 65535'],
    ['mysql+pymysql://octavia:secret@db:70000/octavia', 'the port must be'],
    ['mysql+pymysql://octavia:secret@db/octavia?read_timeout=0', 'read_timeout must be a whole number from 1'],
    ['mysql+pymysql://octavia:secret@db/octavia?ssl_crl=/etc/ssl&ssl_ca=/ca', 'ssl_crl: of the TLS options, ssl'],
    ['mysql://octavia:secret@db/octavia?ssl_mode=PREFERRED', 'ssl_mode must be one of DISABLED, REQUIRED'],
    ['mysql://octavia:secret@db/octavia?ssl_verify_cert=maybe', 'ssl_verify_cert must be true or false'],
    [
      'mysql://octavia:secret@db/octavia?ssl_verify_cert=0&ssl_verify_identity=1',
      'ssl_verify_identity needs ssl_verify_cert',
    ],
  ])('refuses %s, without what is secret in it', (connection, words) => {
    const read = () => readConnection(connection);
    expect(read).toThrow(expect.objectContaining({ code: 'STATE_UNUSABLE', message: expect.stringContaining(words) }));
    expect(read).not.toThrow(/secret/);
  });
});
