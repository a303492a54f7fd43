namespace UrlShortener.Runtime.Clicks;
internal enum DeviceClass : byte { Other, Desktop, Mobile, Tablet }
