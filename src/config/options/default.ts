import { boolean, string } from '../option.ts';

/** [DEFAULT]: what concerns every process. */
export const defaultOptions = {
  debug: boolean({ default: false, mutable: true, help: 'Log at level debug instead of info.' }),
  log_file: string({
    default: null,
    deprecatedNames: [['DEFAULT', 'logfile']],
    help: 'File that the log is appended to, under log_dir when relative. Not set: standard error.',
  }),
  log_dir: string({
    default: null,
    deprecatedNames: [['DEFAULT', 'logdir']],
    help: 'Folder of log_file.',
  }),
  transport_url: string({
    default: null,
    octaviaDefault: { value: 'rabbit://', reason: 'a Kiln of one process needs no broker' },
    secret: true,
    help: 'RabbitMQ, as oslo.messaging writes it: rabbit://user:password@host:port,user:password@host2:port/vhost. With it, operations are handed out to any number of worker processes. Not set: this process carries out its own.',
  }),
};
