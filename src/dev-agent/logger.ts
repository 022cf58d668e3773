/** One JSON object a line on standard output, for the journal of the amphora. */
export type Logger = (level: 'info' | 'warning' | 'error', message: string, fields?: object) => void;

export const logger: Logger = (level, message, fields = {}) => {
  console.log(JSON.stringify({ time: new Date().toISOString(), level, message, ...fields }));
};
