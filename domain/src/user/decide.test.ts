import { SHREDDED } from '@tidings/contracts/sealed';
import { describe, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob } from '../testing/people.ts';
import { subjectErased, userIdentityNoted, userProfileChanged, userRegistered } from './events.ts';
import { user } from './index.ts';

const given = specify(user);
const register = { type: 'RegisterUser', userId: alice, displayName: 'Alice', email: 'alice@tidings.test', role: 'USER' } as const;
const { type: _, ...registration } = register;
const registered = userRegistered(registration);
const profile = { userId: alice, displayName: 'Alice', description: null, profilePicture: null, role: 'USER' } as const;
const saidBefore = userIdentityNoted({ userId: alice, displayName: 'Alice', role: 'USER' });
const token = { type: 'FollowIdentity', userId: alice, displayName: 'Alice', role: 'USER' } as const;

describe('a user', () => {
  it('is registered by the first token, and only by the first', () => {
    given().when(register).then(registered);
    given(registered).when(register).thenNothing();
    given(registered)
      .when({ ...register, displayName: 'Someone else' })
      .thenNothing();
  });

  it('changes only what the command names', () => {
    given(registered)
      .when({ type: 'ChangeProfile', userId: alice, description: 'Rows boats' })
      .then(userProfileChanged({ ...profile, description: 'Rows boats' }));
    given(registered, userProfileChanged({ ...profile, description: 'Rows boats' }))
      .when({ type: 'ChangeProfile', userId: alice, displayName: 'Alice B' })
      .then(userProfileChanged({ ...profile, displayName: 'Alice B', description: 'Rows boats' }), saidBefore);
    given(registered)
      .when({ type: 'ChangeProfile', userId: alice, role: 'ADMIN' })
      .then(userProfileChanged({ ...profile, role: 'ADMIN' }), saidBefore);
    given(registered)
      .when({ type: 'ChangeProfile', userId: alice, profilePicture: '/api/media/1' })
      .then(userProfileChanged({ ...profile, profilePicture: '/api/media/1' }));
  });

  it('is left alone by a change to what is there already', () => {
    given(registered).when({ type: 'ChangeProfile', userId: alice, displayName: 'Alice' }).thenNothing();
    given(registered).when({ type: 'ChangeProfile', userId: alice }).thenNothing();
  });

  it('follows what tokens say as long as nobody said otherwise', () => {
    given(registered).when(token).thenNothing();
    given(registered)
      .when({ ...token, displayName: 'Alice B' })
      .then(userProfileChanged({ ...profile, displayName: 'Alice B' }));
    given().when(token).thenRejected({ type: 'NoSuchUser' });
  });

  it('keeps what the back end set until the identity provider says something new', () => {
    const renamed = [registered, userProfileChanged({ ...profile, displayName: 'Dr Alice' }), saidBefore];
    given(...renamed)
      .when(token)
      .thenNothing();
    given(...renamed)
      .when({ ...token, displayName: 'Alice C' })
      .then(
        userProfileChanged({ ...profile, displayName: 'Alice C' }),
        userIdentityNoted({ userId: alice, displayName: 'Alice C', role: 'USER' }),
      );
    given(...renamed)
      .when({ ...token, role: 'ADMIN' })
      .then(
        userProfileChanged({ ...profile, displayName: 'Dr Alice', role: 'ADMIN' }),
        userIdentityNoted({ userId: alice, displayName: 'Alice', role: 'ADMIN' }),
      );
  });

  it('is provided by the back end before any token, and the first token does not rename them', () => {
    const { type: _type, ...given_ } = { ...register, displayName: 'Dr Alice' };
    const provide = { ...given_, type: 'ProvideUser', description: null, profilePicture: null } as const;
    const provided = [userRegistered(given_), userIdentityNoted({ userId: alice, displayName: null, role: null })] as const;
    given()
      .when(provide)
      .then(...provided);
    given()
      .when({ ...provide, description: 'Rows' })
      .then(...[provided[0], userProfileChanged({ ...profile, displayName: 'Dr Alice', description: 'Rows' }), provided[1]]);
    given(...provided)
      .when(provide)
      .thenNothing();
    given(...provided)
      .when(token)
      .then(saidBefore);
    given(...provided, saidBefore)
      .when({ ...token, displayName: 'Al' })
      .then(userProfileChanged({ ...profile, displayName: 'Al' }), userIdentityNoted({ userId: alice, displayName: 'Al', role: 'USER' }));
  });

  it('cannot change before it exists, nor after it was erased', () => {
    given().when({ type: 'ChangeProfile', userId: alice, displayName: 'A' }).thenRejected({ type: 'NoSuchUser' });
    given(userRegistered({ userId: alice, displayName: SHREDDED, email: SHREDDED, role: 'USER' }))
      .when({ type: 'ChangeProfile', userId: alice, displayName: 'A' })
      .thenRejected({ type: 'UserErased' });
  });

  it('is erased once, and stays so: nothing more is recorded for them', () => {
    const erase = { type: 'EraseUser', userId: alice, by: bob } as const;
    const erased = subjectErased({ userId: alice, by: bob });
    given().when(erase).thenRejected({ type: 'NoSuchUser' });
    given(registered).when(erase).then(erased);
    given(userRegistered({ userId: alice, displayName: SHREDDED, email: SHREDDED, role: 'USER' }))
      .when(erase)
      .then(erased);
    given(registered, erased).when(erase).thenNothing();
    given(registered, erased).when(register).thenRejected({ type: 'UserErased' });
    given(registered, erased).when({ type: 'ChangeProfile', userId: alice, displayName: 'A' }).thenRejected({ type: 'UserErased' });
    given(registered, erased, userProfileChanged(profile)).when(register).thenRejected({ type: 'UserErased' });
  });
});
