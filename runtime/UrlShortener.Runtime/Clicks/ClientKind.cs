namespace UrlShortener.Runtime.Clicks;

/// <summary>What a click's headers say about the client that made it.</summary>
/// <param name="Device">The shape of the device. A bot keeps the device it claims, which is often <see cref="DeviceClass.Other"/>.</param>
/// <param name="IsBot">True when no person is behind the request.</param>
internal readonly record struct ClientKind(DeviceClass Device, bool IsBot);
