import { expect, it } from 'vitest';
import { createReminder } from './reminder.ts';

it('tells what is new, what has lasted for the pause, and what came back', () => {
  const due = createReminder(100);
  const at = (nowMs: number, ...lasting: string[]) => [...due(lasting, nowMs)];
  expect(at(0, 'a')).toEqual(['a']);
  expect(at(50, 'a', 'b')).toEqual(['b']);
  expect(at(99, 'a', 'b')).toEqual([]);
  expect(at(100, 'a', 'b')).toEqual(['a']);
  expect(at(160, 'a', 'b')).toEqual(['b']);
  expect(at(170, 'b')).toEqual([]);
  expect(at(180, 'a', 'b')).toEqual(['a']);
});
