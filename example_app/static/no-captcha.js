// Kapa's SDK asks Google's captcha for a token before each request. The scripted backend needs none, so
// this script replaces the captcha: it has the id by which the SDK sees that the captcha is already loaded.
window.grecaptcha = {
  enterprise: {
    ready: (callback) => callback(),
    execute: async () => "no-captcha",
  },
};
