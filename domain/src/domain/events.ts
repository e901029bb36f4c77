import { eventOf } from '@tidings/contracts/events/definition';
import { DomainAdminAdded, DomainAdminRemoved } from '@tidings/contracts/events/domain';

export type DomainEvent = DomainAdminAdded | DomainAdminRemoved;
export const domainAdminAdded = eventOf(DomainAdminAdded);
export const domainAdminRemoved = eventOf(DomainAdminRemoved);
