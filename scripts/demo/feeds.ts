import type { Demo } from './scene';

const FOLLOWERS = 40;

const demonstration: Demo = {
  name: 'feeds',
  says: 'Posts that reach every follower, and disappear at once',
  seconds: 10,
  async run(scene) {
    const author = `demo-${scene.run}-ada`;
    const followers = Array.from({ length: FOLLOWERS }, (_, i) => `demo-${scene.run}-f${i + 1}`);
    const [first, last] = [followers[0] as string, followers.at(-1) as string];
    const postId = `demo-${scene.run}-post`;
    const feed = (user: string) => scene.call('GET', `/v1/users/${user}/feed?limit=5`);
    const holds = (body: { items: { postId: string }[] }) => body.items.some((one) => one.postId === postId);
    scene.say(`Ada and ${FOLLOWERS} followers.`);
    await scene.call('PUT', `/v1/users/${author}`, { body: { name: 'Ada' } });
    await scene.each('following', followers, async (user) => {
      await scene.call('PUT', `/v1/users/${user}`, { body: { name: user } });
      await scene.call('PUT', `/v1/users/${user}/following/${author}`);
    });

    scene.say('Ada posts: one transaction. A workflow then writes the post to every follower’s feed.');
    await scene.show(
      'POST',
      '/v1/posts',
      { body: { authorId: author, postId, text: 'Hello, all' } },
      ({ body }) => `version ${body.version}`,
    );
    await scene.until(
      `the post is in the feed of follower ${FOLLOWERS}`,
      () => feed(last),
      ({ body }) => holds(body),
      { aboutSeconds: 2 },
    );
    scene.look('The workflow of the fan-out:', `fan-out/${postId}`);

    scene.say('Unfollows, edits and deletions take effect at once, even while workflows still run.');
    await scene.call('DELETE', `/v1/users/${first}/following/${author}`);
    await scene.show(
      'GET',
      `/v1/users/${first}/feed?limit=5`,
      {},
      ({ body }) => `unfollowed a moment ago: ${body.items.length} posts`,
    );
    await scene.call('PATCH', `/v1/posts/${postId}`, { body: { text: 'Hello, all of you' } });
    await scene.show('GET', `/v1/users/${last}/feed?limit=5`, {}, ({ body }) => `edited: “${body.items[0]?.text}”`);
    await scene.call('DELETE', `/v1/posts/${postId}`);
    await scene.show('GET', `/v1/users/${last}/feed?limit=5`, {}, ({ body }) => `deleted: ${body.items.length} posts`);
    return `a post in ${FOLLOWERS} feeds; unfollow, edit and delete visible in the next read`;
  },
};

export const demo = (): Demo => demonstration;
