import { describe, expect, it } from 'vitest';
import { serviceMessage } from './service-message.ts';

describe("a service's own words", () => {
  it.each([
    [
      'keystone',
      '{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}',
      'The request you have made requires authentication.',
    ],
    [
      'glance',
      '{"message":"Invalid sort key: bogus.<br /><br />\\n\\n\\n","code":"400 Bad Request","title":"Bad Request"}',
      'Invalid sort key: bogus.',
    ],
    [
      'glance, HTML',
      '<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  No image found with ID &#x27;x&#39; &amp; &lt;y&gt;<br /><br />\n\n\n\n </body>\n</html>',
      "No image found with ID 'x' & <y>",
    ],
    [
      'nova',
      '{"itemNotFound":{"code":404,"message":"Flavor nope could not be found."}}',
      'Flavor nope could not be found.',
    ],
    [
      'neutron',
      '{"NeutronError":{"type":"NetworkNotFound","message":"Network x could not be found.","detail":""}}',
      'Network x could not be found.',
    ],
    ['old neutron', '{"NeutronError":"it broke"}', 'it broke'],
    ['placement', '{"errors":[{"status":404,"title":"Not Found","detail":"No such thing."}]}', 'No such thing.'],
    ['WSME', '{"faultcode":"Client","faultstring":"Wrong.","debuginfo":null}', 'Wrong.'],
    [
      'HAProxy',
      '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>',
      'No server is available to handle this request.',
    ],
    [
      'a page with a heading only',
      '<html><body><h1>413 Request Entity Too Large</h1></body></html>',
      '413 Request Entity Too Large',
    ],
    ['text', 'upstream connect error\n', 'upstream connect error'],
    ['JSON without a message', '{"a":{"b":1}}', '{"a":{"b":1}}'],
  ])('are found in the answer of %s', (_who, body, message) => {
    expect(serviceMessage(body)).toBe(message);
  });

  it('may be nothing, and are cut when they are long', () => {
    expect(serviceMessage('')).toBeNull();
    expect(serviceMessage(' \n')).toBeNull();
    expect(serviceMessage('x'.repeat(10_000))).toHaveLength(500);
  });
});
