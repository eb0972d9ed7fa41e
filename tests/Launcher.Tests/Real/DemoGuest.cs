using System.Diagnostics;

namespace Troupe.Launcher.Tests.Real;

/// <summary>Kernel and initramfs of the demo guest, built where they are missing.</summary>
internal static class DemoGuest
{
    private static readonly Lazy<Task<string>> Built = new(BuildAsync);

    /// <summary>Folder with <c>vmlinuz</c> and <c>initrd.gz</c>.</summary>
    public static Task<string> FolderAsync() => Built.Value;

    private static async Task<string> BuildAsync()
    {
        if (Environment.GetEnvironmentVariable("TROUPE_GUEST") is { Length: > 0 } given)
            return given;
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Troupe.slnx")))
            root = Path.GetDirectoryName(root)!;
        var folder = Path.Combine(root, ".dev", "guest");
        using var build = Process.Start(Path.Combine(root, "deploy", "guest", "build.sh"), folder);
        await build.WaitForExitAsync();
        return build.ExitCode == 0 ? folder : throw new InvalidOperationException("the demo guest could not be built");
    }
}
