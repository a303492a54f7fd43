namespace UrlShortener.Runtime.Clicks;

/// <summary>The shape of the device a click came from. The numbers are stored with clicks and never change meaning.</summary>
internal enum DeviceClass : byte
{
    /// <summary>A television, console, watch, headset or car, or a client that does not say.</summary>
    Other,

    /// <summary>A desktop or laptop, and tools a person drives at a terminal.</summary>
    Desktop,

    /// <summary>A phone, and phone apps that fetch with their platform's HTTP library.</summary>
    Mobile,

    /// <summary>A tablet or an e-reader.</summary>
    Tablet,
}
