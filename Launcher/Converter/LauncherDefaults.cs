using Troupe.Messages.Api.KubeVirt;

namespace Troupe.Launcher.Converter;

/// <summary>What KubeVirt does where its configuration says nothing.</summary>
internal static class LauncherDefaults
{
    /// <summary>Seconds.</summary>
    public const int BalloonPeriod = 10;

    public static SMBiosConfiguration Smbios { get; } = new() { Manufacturer = "KubeVirt", Family = "KubeVirt", Product = "None" };
}
