import { statusTitle } from '../status-title.ts';

/** An error of Glance's, before it is put into the format that the caller accepts. */
export class ImageFault extends Error {
  readonly status: number;

  constructor(status: number, explanation: string) {
    super(explanation);
    this.status = status;
  }
}

export function noSuchImage(id: string): ImageFault {
  return new ImageFault(404, `No image found with ID ${id}`);
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#x27;' };

/**
 * HTML, unless the caller prefers JSON or takes neither: Glance leaves its errors to WebOb. Seen in
 * test/recorded/glance (33, a4): the line breaks are in the JSON message too.
 */
export function renderFault(status: number, explanation: string, accept: string | undefined) {
  const title = statusTitle(status);
  const format = preferred(accept);
  if (format === 'text/plain') {
    return { contentType: 'text/plain; charset=UTF-8', body: `${status} ${title}\n\n${explanation}\n\n\n   ` };
  }
  if (format === 'application/json') {
    const body = { message: `${explanation}<br /><br />\n\n\n`, code: `${status} ${title}`, title };
    return { contentType: format, body: JSON.stringify(body) };
  }
  const escaped = explanation.replace(/[&<>"']/g, (character) => entities[character] ?? character);
  const lines = [
    '<html>',
    ' <head>',
    `  <title>${status} ${title}</title>`,
    ' </head>',
    ' <body>',
    `  <h1>${status} ${title}</h1>`,
    `  ${escaped}<br /><br />\n\n\n`,
    ' </body>',
    '</html>',
  ];
  return { contentType: 'text/html; charset=UTF-8', body: lines.join('\n') };
}

/** HTML wins a tie. */
function preferred(accept: string | undefined): 'text/html' | 'application/json' | 'text/plain' {
  if (!accept) return 'text/html';
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return { type, quality: quality ? Number(quality.slice(2)) : 1 };
  });
  const qualityOf = (...types: string[]) =>
    types
      .map((type) => ranges.find((range) => range.type === type)?.quality)
      .find((quality) => quality !== undefined) ?? 0;
  const html = qualityOf('text/html', 'text/*', '*/*');
  const json = qualityOf('application/json', 'application/*', '*/*');
  if (html === 0 && json === 0) return 'text/plain';
  return json > html ? 'application/json' : 'text/html';
}
