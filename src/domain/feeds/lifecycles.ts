import { repeated, rowed, type Lifecycles } from '../platform/lifecycle';

/** The lifecycle rules of the workflow types of feeds; decision 0034 has the reasons. */
export const feedLifecycles = {
  fanOut: repeated('To stop a post from spreading, delete it: DELETE /v1/posts/{id}.'),
  retract: repeated('The retraction ends when the post is removed from all feeds.'),
  relation: repeated('It ends when the feed matches the authors that its reader follows.'),
  turn: rowed('The mode change ends when all followers are processed.'),
} as const satisfies Lifecycles;
