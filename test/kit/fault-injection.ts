import { type ErrorCode, type ErrorOptions, type ServiceCall, ServiceError } from '../../src/model/errors.ts';

/** What tests do to a fake: see what it was asked, and make it fail. */
export interface Switches<Method extends string> {
  /** The next calls of `method` throw, and nothing is carried out. */
  failNext(method: Method, error: Error, times?: number): void;
  /** The next call of `method` is carried out, and then throws: its answer was lost. */
  loseNextAnswer(method: Method, error: Error): void;
  /** How often `method` was called. */
  calls(method: Method): number;
  /** Runs before the next call of `method` is carried out: something happens in between. */
  beforeNext(method: Method, happens: () => void | Promise<void>): void;
}

type Methods = Record<string, (...values: never[]) => Promise<unknown>>;
type MethodOf<Port> = Extract<keyof Port, string>;

interface Plan {
  when: 'before' | 'after';
  act: () => void | Promise<void>;
}

/** Puts switches around an implementation of a port. */
export function withSwitches<Port extends object>(port: Port): Port & Switches<MethodOf<Port>> {
  const plans = new Map<string, Plan[]>();
  const counts = new Map<string, number>();
  const plan = (method: string, one: Plan) => plans.set(method, [...(plans.get(method) ?? []), one]);
  const throws = (error: Error) => () => {
    throw error;
  };

  const wrapped = Object.fromEntries(
    Object.entries(port as Methods).map(([method, carryOut]) => [
      method,
      async (...values: never[]) => {
        counts.set(method, (counts.get(method) ?? 0) + 1);
        const next = plans.get(method)?.shift();
        if (next?.when === 'before') await next.act();
        const result = await carryOut(...values);
        if (next?.when === 'after') await next.act();
        return result;
      },
    ]),
  );
  return {
    ...(wrapped as Port),
    failNext: (method, error, times = 1) => {
      for (let time = 0; time < times; time++) plan(method, { when: 'before', act: throws(error) });
    },
    loseNextAnswer: (method, error) => plan(method, { when: 'after', act: throws(error) }),
    beforeNext: (method, happens) => plan(method, { when: 'before', act: happens }),
    calls: (method) => counts.get(method) ?? 0,
  };
}

/**
 * An implementation of a port whose methods of these names go through `around`.
 * @param around gets the name, what carries the call out, and what it was called with.
 */
export function aroundCalls<Part extends object>(
  part: Part,
  names: RegExp,
  around: (name: string, carryOut: () => Promise<unknown>, values: unknown[]) => Promise<unknown>,
): Part {
  return new Proxy(part, {
    get(target, name) {
      const method = Reflect.get(target, name) as unknown;
      if (typeof method !== 'function' || !names.test(String(name))) return method;
      return (...values: unknown[]) =>
        around(String(name), async () => await Reflect.apply(method, target, values), values);
    },
  });
}

/** A ServiceError as a client would throw it. */
export function aServiceError(
  code: ErrorCode,
  call: Partial<ServiceCall> = {},
  options: ErrorOptions = {},
): ServiceError {
  const whole: ServiceCall = {
    service: 'compute',
    method: 'GET',
    path: '/',
    status: null,
    serviceMessage: null,
    requestId: 'req-fake',
    retryAfterSeconds: null,
    outcomeUnknown: false,
    ...call,
  };
  return new ServiceError(
    code,
    `${whole.service}: ${code}: ${whole.serviceMessage ?? 'made by a fake'}`,
    whole,
    options,
  );
}
