/** As `name-uuid.ts`, where there is no Node: the typed client carries the ids' module into browsers. */
import { v5 } from 'uuid';

export const nameUuid = (name: string): string => v5(name, 'c1d6f4d2-8c0b-5d5e-9f0e-2f6b4c1a7e10');
