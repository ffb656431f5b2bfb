import type { Answer, Demo, Scene } from './scene';

/** Returns the session cookie that an answer sets, as a browser sends it. */
const cookieOf = ({ headers }: Answer): string => (headers.getSetCookie()[0] ?? '').split(';')[0] ?? '';

const current = (scene: Scene, cookie: string) =>
  scene.call('GET', '/v1/sessions/current', { as: 'none', headers: { cookie }, expect: [200, 401] });

const demonstration: Demo = {
  name: 'sessions',
  says: 'Sessions that stay ended',
  seconds: 2,
  async run(scene) {
    const userId = `demo-${scene.run}-ada`;
    scene.say('Ada signs in on three devices.');
    const cookies: string[] = [];
    for (const device of ['Firefox on Linux', 'phone', 'library'])
      cookies.push(
        cookieOf(
          await scene.show(
            'POST',
            '/v1/sessions',
            { body: { userId, device, data: { step: 'password' } } },
            ({ body }) => `${device}, until ${body.expiresAt.slice(11, 16)} unless used`,
          ),
        ),
      );
    const [first = '', second = '', third = ''] = cookies;
    await scene.show(
      'PATCH',
      '/v1/sessions/current',
      { headers: { cookie: first }, body: { data: { step: 'second factor' }, privilegeChanged: true } },
      (answer) => {
        cookies[0] = cookieOf(answer);
        return 'higher privilege: a new id, the same session';
      },
    );
    await scene.show(
      'GET',
      '/v1/sessions/current',
      { as: 'none', headers: { cookie: first }, expect: [401] },
      () => 'the old id no longer works',
    );

    scene.say('Ada forgot to log out in the library, and ends all her sessions.');
    await scene.show('DELETE', `/v1/users/${userId}/sessions`, {}, ({ body }) => `ended: ${body?.ended ?? 'all'}`);
    const after = await Promise.all([cookies[0] as string, second, third].map((cookie) => current(scene, cookie)));
    console.log(
      `    GET /v1/sessions/current with each of the three cookies: ${after.map(({ status }) => status).join(', ')}`,
    );
    await scene.show(
      'PATCH',
      '/v1/sessions/current',
      { headers: { cookie: second }, body: { data: { late: true } }, expect: [401] },
      () => 'a late write does not revive the session',
    );

    scene.say('A sweeper ends sessions that expire. It waits until the next one is due.');
    const left = await scene.call('POST', '/v1/sessions', { body: { userId, device: 'left open' } });
    console.log(`    a session without a logout, expires at ${left.body.expiresAt}`);
    scene.look('The sweeper:', 'session-expiry/0');
    return `3 sessions opened, all ended at once, none revived`;
  },
};

export const demo = (): Demo => demonstration;
