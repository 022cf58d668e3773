import { type ErrorCode, KilnError } from '../../model/errors.ts';

/**
 * What Octavia's API says when it refuses a request. Clients and their tests match on these words, so they are
 * Octavia's (octavia/common/exceptions.py); the codes are Kiln's and carry the HTTP status.
 */

/**
 * @param resource as Octavia prints it: "Load Balancer", "Health Monitor", "L7 Policy".
 * @param id null where a request has null for it.
 */
export const notFound = (resource: string, id: string | null) =>
  new KilnError('RESOURCE_NOT_FOUND', `${resource} ${id ?? 'None'} not found.`);

export const immutable = (resource: string, id: string) =>
  new KilnError('IMMUTABLE', `${resource} ${id} is immutable and cannot be updated.`);

/** The load balancer itself is changed or deleted while something else goes on. */
export const pendingState = (status: string, loadBalancerId: string) =>
  new KilnError('IMMUTABLE', `Invalid state ${status} of loadbalancer resource ${loadBalancerId}`);

export const policyForbids = () =>
  new KilnError('REQUEST_FORBIDDEN', 'Policy does not allow this request to be performed.');

export const quotaMet = (resource: string) =>
  new KilnError('QUOTA_MET', `Quota has been met for resources: ${resource}`);

export const validationFailure = (detail: string) => new KilnError('REQUEST_INVALID', `Validation failure: ${detail}`);

export const invalidOption = (value: string, option: string) =>
  new KilnError('REQUEST_INVALID', `${value} is not a valid option for ${option}`);

export const disabledOption = (option: string, value: string) =>
  new KilnError('REQUEST_INVALID', `The selected ${option} is not allowed in this deployment: ${value}`);

const lacksOption = (provider: string, option: string) =>
  `Provider '${provider}' does not support a requested option: ${option}`;

/** @param option as Octavia prints it: what the provider was asked for and doesn't know. */
export const providerLacksOption = (provider: string, option: string) =>
  new KilnError('REQUEST_INVALID', lacksOption(provider, option));

/** A good request, for something that other providers of Octavia have and its amphora provider has not. */
export const providerCannot = (provider: string, option: string) =>
  new KilnError('OPTION_UNSUPPORTED', lacksOption(provider, option));

export const providerNotEnabled = (provider: string) =>
  new KilnError('REQUEST_INVALID', `Provider '${provider}' is not enabled.`);

/** @param object as Octavia prints it: "Flavor", "Flavor profile", "Availability Zone". */
export const objectInUse = (object: string, id: string) =>
  new KilnError('RESOURCE_CONFLICT', `${object} ${id} is in use and cannot be modified.`);

export const nameTaken = (what: 'flavor' | 'availability zone', name: string) =>
  new KilnError('RESOURCE_CONFLICT', `A ${what} of ${name} already exists.`);

export const missingProject = () =>
  new KilnError(
    'REQUEST_INVALID',
    'Validation failure: Missing project ID in request where one is required. An administrator should check the keystone settings in the Octavia configuration.',
  );

export const conflict = (message: string) => new KilnError('RESOURCE_CONFLICT', message);

export const invalidRequest = (message: string) => new KilnError('REQUEST_INVALID', message);

/** A field of a body, in wsme's words. */
export const invalidField = (field: string, value: string, why: string) =>
  invalidRequest(`Invalid input for field/attribute ${field}. Value: '${value}'. ${why}`);

/** The store's refusals in Octavia's words. */
export async function translated<T>(
  action: Promise<T>,
  words: Partial<Record<ErrorCode, () => KilnError>>,
): Promise<T> {
  try {
    return await action;
  } catch (error) {
    const translate = error instanceof KilnError ? words[error.code] : undefined;
    throw translate ? translate() : error;
  }
}
