/** Pure mappers from events to what chat shows, shared by timeline, rooms, read states and the live feed. */
export * from './entries.ts';
export * from './people.ts';
export * from './rooms.ts';
