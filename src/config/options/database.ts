import { string } from '../option.ts';

/** [database]: where Kiln keeps its state. */
export const databaseOptions = {
  connection: string({
    default: null,
    octaviaDefault: { value: 'sqlite://', reason: 'there it is lost with the process' },
    deprecatedNames: [
      ['DEFAULT', 'sql_connection'],
      ['DATABASE', 'sql_connection'],
      ['sql', 'connection'],
    ],
    help:
      'Database, as SQLAlchemy writes it: sqlite:////absolute/path, or mysql+pymysql://user:password@host:port/database ' +
      '(mysql or mariadb, any driver; MySQL, MariaDB and Galera; @ in user or password is %40). Options behind ? that are obeyed: ' +
      'unix_socket, connect_timeout (10 seconds), read_timeout (60 seconds), ssl, ssl_mode, ' +
      'ssl_disabled, ssl_ca, ssl_capath, ssl_cert, ssl_key, ssl_key_password, ssl_cipher, ssl_check_hostname, ssl_verify_cert, ' +
      'ssl_verify_identity (with a CA, certificate and host name are checked; with ssl_verify_cert alone, by the CAs that this host trusts); ' +
      'other ssl options are refused, all else is ignored, with a warning (the character set is always utf8mb4). ' +
      "Kiln's tables begin with kiln_ and may stand beside Octavia's; the user must be allowed to create tables. " +
      'Not set: kiln.sqlite in [kiln] state_path. A password in it is never shown.',
  }),
};
