using System.Net.Sockets;
using System.Runtime.InteropServices;
using Troupe.Messages.Api.KubeVirt.Vocabulary;

namespace Troupe.Launcher.Disks;

/// <summary>
/// What an attachment pod runs: its container has the volume, and whoever finds this process by its socket finds the volume. In a file
/// system without a disk image it makes one first.
/// </summary>
internal static class VolumeHolder
{
    /// <param name="path">Of the volume in this container.</param>
    /// <param name="diskBytes">Size of the image to make; null for a volume that is to have none.</param>
    public static async Task<int> RunAsync(string path, long? diskBytes)
    {
        using var stop = new CancellationTokenSource();
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
        try
        {
            if (diskBytes is { } bytes)
                MakeImage(Path.Combine(path, "disk.img"), bytes);
            var file = Path.Combine(LauncherPaths.AttachmentSockets, LauncherPaths.AttachmentSocketName);
            File.Delete(file);
            using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            listener.Bind(new UnixDomainSocketEndPoint(file));
            listener.Listen();
            while (true)
                (await listener.AcceptAsync(stop.Token)).Dispose();
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SocketException)
        {
            await Console.Error.WriteLineAsync($"{path}: {e.Message}");
            return 1;
        }
    }

    /// <summary>Under another name until it has its size: nobody must take it for a disk before.</summary>
    private static void MakeImage(string file, long bytes)
    {
        if (Path.Exists(file))
            return;
        var unfinished = file + ".new";
        using (var created = File.Create(unfinished))
            created.SetLength(bytes);
        File.Move(unfinished, file);
    }
}
