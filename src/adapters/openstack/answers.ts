import type { Static, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { invalidAnswer } from './failures.ts';
import type { HttpAnswer } from './http.ts';

/** Reads an answer's JSON and checks it; what doesn't fit is SERVICE_RESPONSE_INVALID, naming the first fault. */
export type Reader<T> = (answer: HttpAnswer) => T;

/** Compiles the schema once, when the first answer has come. Fields that it doesn't name are allowed: services add some with every release. */
export function readerOf<const Schema extends TSchema>(schema: Schema): Reader<Static<Schema>> {
  let compiled: Validator | undefined;
  return (answer) => {
    let value: unknown;
    try {
      value = JSON.parse(answer.text);
    } catch {
      const type = answer.header('content-type');
      throw invalidAnswer(answer.call, `its content is not JSON (${type ?? 'no content type'})`);
    }
    compiled ??= Compile(schema);
    if (compiled.Check(value)) return value as Static<Schema>;
    // Only where and what: the value itself may be a secret.
    const fault = compiled.Errors(value)[0];
    throw invalidAnswer(
      answer.call,
      `its content is wrong: ${fault?.instancePath || 'the whole'} ${fault?.message ?? ''}`.trim(),
    );
  };
}
