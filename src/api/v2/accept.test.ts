import { expect, it } from 'vitest';
import { accepts, preferred } from './accept.ts';

it.each([
  // What webob 1.8 makes of them, asked for application/json.
  [undefined, true],
  ['', true],
  [' ', true],
  ['application/json', true],
  ['APPLICATION/Json', true],
  ['application/*', true],
  ['*/*', true],
  ['text/html,application/json;q=0.8', true],
  ['text/html, */*;q=0.1', true],
  ['application/json,', true],
  ['text/html;level="a,b";q=0.5, */*', true],
  ['application/json;q=0', false],
  ['application/json;q=0.000, */*', false],
  ['*/*;q=0', false],
  ['application/xml', false],
  ['application/xml,text/html', false],
  ['text/plain', false],
  ['image/*', false],
  ['application/*+json', false],
  ['application/vnd.api+json', false],
  // No headers at all, to webob.
  ['bogus', true],
  ['*', true],
  ['a/b/c', true],
  [';;;', true],
  ['text/plain;q=2', true],
  ['text/plain q=1', true],
  ['application/xml, bogus', true],
])('Accept: %s takes JSON: %s', (accept, yes) => {
  expect(accepts(accept, 'application/json')).toBe(yes);
});

it.each([
  [undefined, 'text/plain'],
  ['*/*', 'text/plain'],
  ['text/*', 'text/plain'],
  ['text/html', 'text/html'],
  ['application/*', 'application/json'],
  ['text/html;q=0.1, application/json', 'application/json'],
  ['text/plain;q=0, text/*', 'text/html'],
  ['image/png', null],
  ['nonsense', 'text/plain'],
])('of three types, %s prefers %s', (accept, type) => {
  expect(preferred(accept, ['text/plain', 'text/html', 'application/json'])).toBe(type);
});
