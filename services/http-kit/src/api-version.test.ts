import { describe, expect, it } from 'vitest';
import { unversioned } from './api-version.ts';

describe('a URL of the versioned API', () => {
  it.each([
    ['/api/v1/rooms/1/timeline?limit=2', '/api/rooms/1/timeline?limit=2'],
    ['/api/v1/send-msg', '/api/send-msg'],
    ['/api/v1/rooms', '/api/rooms?cursor='],
    ['/api/v1/rooms?name=a%26cursor=', '/api/rooms?name=a%26cursor=&cursor='],
    ['/api/v1/rooms?name=a', '/api/rooms?name=a&cursor='],
    ['/api/v1/users/friends?cursor=x', '/api/users/friends?cursor=x'],
  ])('%s is %s', (url, plain) => expect(unversioned(url)).toBe(plain));

  it.each(['/', '/api/rooms', '/api/v1', '/api/v1rooms', '/api/v2/rooms', '/x/api/v1/rooms'])('is not %s', (url) =>
    expect(unversioned(url)).toBe(url),
  );
});
