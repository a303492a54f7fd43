using UrlShortener.ClickHouseHost;

// usage: UrlShortener.ClickHouseHost LIBRARY ARGUMENT...
return args is [var library, .. var arguments] ? Engine.Run(library, arguments) : 64;
