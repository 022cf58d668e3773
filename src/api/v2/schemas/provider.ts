import { Type } from 'typebox';
import { list } from './fields.ts';

const described = Type.Object({ name: Type.String(), description: Type.String() });
export const providersAnswer = Type.Object({ providers: list(described) });
export const flavorCapabilitiesAnswer = Type.Object({ flavor_capabilities: list(described) });
export const zoneCapabilitiesAnswer = Type.Object({ availability_zone_capabilities: list(described) });
