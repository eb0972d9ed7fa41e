using System.Runtime.InteropServices;

namespace Troupe.Launcher.Libvirt;

/// <param name="code">virErrorNumber.</param>
public sealed class LibvirtException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;

    public bool IsNoDomain => Code == LibvirtNative.ErrorNoDomain;

    /// <summary>libvirt keeps its last error per thread: call this at once, on the thread that made the failing call.</summary>
    internal static unsafe LibvirtException Last(string what)
    {
        var error = LibvirtNative.GetLastError();
        return error is null
            ? new LibvirtException(0, $"{what} failed")
            : new LibvirtException(error->Code, $"{what}: {Marshal.PtrToStringUTF8((nint)error->Message)}");
    }
}
