import { expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob } from '../testing/people.ts';
import { domainAdminAdded, domainAdminRemoved } from './events.ts';
import { domain, domainKey } from './index.ts';

const given = specify(domain);
const admin = { domain: 'tidings.test', userId: bob, by: alice };

it('a domain has admins, each once, and may have none', () => {
  given()
    .when({ type: 'AddDomainAdmin', ...admin })
    .then(domainAdminAdded(admin));
  given(domainAdminAdded(admin))
    .when({ type: 'AddDomainAdmin', ...admin })
    .thenNothing();
  given(domainAdminAdded(admin))
    .when({ type: 'RemoveDomainAdmin', ...admin })
    .then(domainAdminRemoved(admin));
  given()
    .when({ type: 'RemoveDomainAdmin', ...admin })
    .thenNothing();
});

it('each domain has a stream of its own', () => {
  expect(domainKey('tidings.test')).toMatch(/^[0-9a-f-]{36}$/);
  expect(domainKey('tidings.test')).not.toBe(domainKey('other.test'));
});
