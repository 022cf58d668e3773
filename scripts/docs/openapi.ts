import type { ApiDeps } from '../../src/api/v2/deps.ts';
import { createApi } from '../../src/api/v2/server.ts';

/** Nothing is asked of the API's parts: only its routes are looked at. */
async function describe(): Promise<string> {
  const app = createApi({ health: async () => [] } as unknown as ApiDeps);
  await app.ready();
  const document = app.openApi();
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}

// Fastify knows its routes a moment after they were registered.
const text = await describe();

/** The OpenAPI document of the load-balancer API. */
export const renderOpenApi = () => text;
