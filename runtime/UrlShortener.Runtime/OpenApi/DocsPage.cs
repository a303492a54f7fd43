using System.Text;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.OpenApi;

/// <summary>
/// The page at /docs: Scalar's reference in an HTML document of our own. Scalar's own document sets no language, has too little contrast for some readers
/// and lacks attributes that screen readers need.
/// </summary>
internal static class DocsPage
{
    /// <summary>Address of the page. Scalar's script is below it.</summary>
    public const string Path = "/docs";

    // The colors meet the contrast of WCAG 2 AA on Scalar's backgrounds.
    private static readonly byte[] Page = Encoding.UTF8.GetBytes(
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>URL Shortener API</title>
        <link rel="icon" href="/favicon.svg" type="image/svg+xml">
        <style>
        .light-mode { --scalar-color-3: #666; --scalar-color-green: #00673f; --scalar-color-red: #b3001b; --scalar-color-yellow: #7a5200; --scalar-color-orange: #8f4300; --scalar-color-blue: #00559e; --scalar-color-purple: #5b2a9d }
        .dark-mode { --scalar-color-3: #a8a8a8; --scalar-color-green: #4ade9a; --scalar-color-red: #ff9a9a; --scalar-color-yellow: #ffd75e; --scalar-color-orange: #ffb86b; --scalar-color-blue: #7fc4ff; --scalar-color-purple: #c9a8ff }
        </style>
        </head>
        <body>
        <div id="app"></div>
        <script src="/docs/scalar.js"></script>
        <script>
        Scalar.createApiReference('#app', {
          url: '/openapi/v1.json',
          authentication: { preferredSecurityScheme: 'ApiKeyAuth' },
          defaultOpenAllTags: true,
          // Turns off everything that would load from, or send to, other servers.
          withDefaultFonts: false, telemetry: false, hideClientButton: true, showDeveloperTools: 'never', agent: { disabled: true }, mcp: { disabled: true },
        })

        // Adds what the component lacks for screen readers: the name of the operation on each response region, and what the field for keys controls.
        function complete() {
          for (const card of document.querySelectorAll('.response-card[role=region]:not([data-named])')) {
            const operation = card.closest('section[aria-labelledby]')
            if (!operation) continue
            card.dataset.named = ''
            card.setAttribute('aria-labelledby', `${operation.getAttribute('aria-labelledby')} ${card.getAttribute('aria-labelledby') ?? ''}`.trim())
          }
          for (const field of document.querySelectorAll('[role=combobox]:not([aria-expanded])')) {
            field.id ||= `field-${Math.random().toString(36).slice(2)}`
            field.setAttribute('aria-expanded', 'false')
            field.setAttribute('aria-controls', field.id)
          }
        }
        new MutationObserver(complete).observe(document.getElementById('app'), { childList: true, subtree: true })
        </script>
        </body>
        </html>

        """
    );

    /// <summary>GET and HEAD /docs</summary>
    public static Task WriteAsync(HttpContext context) => Reply.WriteAsync(context, Page, "text/html; charset=utf-8");
}
