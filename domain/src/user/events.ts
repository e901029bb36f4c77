import { eventOf } from '@tidings/contracts/events/definition';
import { SubjectErased, UserIdentityNoted, UserProfileChanged, UserRegistered } from '@tidings/contracts/events/user';

export type { UserEvent } from '@tidings/contracts/events/user';
export const userRegistered = eventOf(UserRegistered);
export const userProfileChanged = eventOf(UserProfileChanged);
export const userIdentityNoted = eventOf(UserIdentityNoted);
export const subjectErased = eventOf(SubjectErased);
