import { type Answer, Refusal, type Request } from '../router.ts';

/**
 * The ID of a load balancer or listener in a request's path. It becomes a file's name, so what can't be an ID is as
 * unknown as one that nobody has.
 */
export function objectId(request: Request, name: string): string {
  const id = request.parameter(name);
  if (/^[\w-]{1,64}$/.test(id)) return id;
  throw new Refusal(unknownLoadBalancer(id));
}

export function unknownLoadBalancer(id: string): Answer {
  return {
    status: 404,
    body: { message: 'Loadbalancer Not Found', details: `No loadbalancer with UUID: ${id}` },
  };
}
