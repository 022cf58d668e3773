import type { LoadBalancer } from '../../model/load-balancer.ts';
import type { Mode } from './plan.ts';
import { quoteFormatText } from './quote.ts';

/** What HAProxy only knows of HTTP, in the longest form first. */
const httpVariables = ['%{+Q}r', '%r', '%{+Q}ST', '%ST'];

/**
 * `log-format` of a listener. The operator's format is taken as it is, with HAProxy's own escapes; blanks alone are
 * escaped, as Octavia does. In TCP mode what only HTTP has becomes `-`.
 */
export function renderLogFormat(format: string, { id, projectId }: LoadBalancer, mode: Mode): string {
  // Every second piece is what stood within the braces.
  const pieces = format.split(/\{\{ (project_id|lb_id) \}\}/);
  const texts = pieces.map((piece, index) => {
    if (index % 2 === 1) return formatId(piece === 'lb_id' ? id : projectId);
    const known = mode === 'http' ? piece : httpVariables.reduce((text, name) => text.replaceAll(name, '-'), piece);
    return known.replace(/\s/g, '\\ ');
  });
  return `log-format ${texts.join('')}`;
}

/** IDs are hexadecimal and stand plain; one that is not comes quoted. */
function formatId(id: string): string {
  return /^[\w-]+$/.test(id) ? id : quoteFormatText(id);
}
