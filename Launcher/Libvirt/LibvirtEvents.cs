using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Troupe.Launcher.Libvirt;

/// <summary>The thread on which libvirt delivers its callbacks; one for the process, for ever.</summary>
internal static unsafe class LibvirtEvents
{
    /// <summary>The loop wakes at least this often; without any timer it would never notice a handle added from outside.</summary>
    private const int TickMilliseconds = 1000;
    private static readonly Lock Gate = new();
    private static bool _started;

    public static void Start()
    {
        lock (Gate)
        {
            if (_started)
                return;
            _started = true;
            if (LibvirtNative.Initialize() < 0 || LibvirtNative.EventRegisterDefaultImpl() < 0)
                throw LibvirtException.Last("starting libvirt");
            // Errors come as exceptions; libvirt would print each to stderr as well.
            LibvirtNative.SetErrorFunc(0, &Silent);
            _ = LibvirtNative.EventAddTimeout(TickMilliseconds, &Tick, 0, 0);
            new Thread(Loop) { IsBackground = true, Name = "libvirt-events" }.Start();
        }
    }

    private static void Loop()
    {
        while (true)
        {
            if (LibvirtNative.EventRunDefaultImpl() < 0)
                Environment.FailFast("libvirt's event loop failed");
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Silent(nint data, LibvirtNative.Error* error)
    {
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Tick(int timer, nint opaque)
    {
    }
}
