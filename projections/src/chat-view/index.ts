/** What chat's read models share: pure mappers from events to what chat shows, and the small tables several of them keep alike. */
export * from './counters.ts';
export * from './entries.ts';
export * from './erasure.ts';
export * from './hidden.ts';
export * from './members.ts';
export * from './names.ts';
export * from './people.ts';
export * from './rooms.ts';
