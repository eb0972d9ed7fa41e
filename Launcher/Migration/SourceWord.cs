using System.Text.Json;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Launcher.Migration;

/// <summary>The file with this launcher's <see cref="LastWord"/>. From any thread.</summary>
/// <remarks>The lock is flock's: the kernel lets go of it when the process ends, however it ends, so whoever gets it knows that.</remarks>
internal sealed class SourceWord(string file) : IDisposable
{
    private readonly Lock _gate = new();
    private FileStream? _open;
    private bool _isGiven;

    /// <summary>A word that the host loses in a crash is no word, which is safe.</summary>
    public void Give(LastWord word)
    {
        lock (_gate)
        {
            if (_isGiven)
                return;
            _open ??= new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            _open.SetLength(0);
            _open.Position = 0;
            JsonSerializer.Serialize(_open, word, LauncherJson.Default.LastWord);
            _open.Flush();
            _isGiven = true;
        }
    }

    /// <summary>On the disk before this returns.</summary>
    public void TakeBack()
    {
        lock (_gate)
        {
            if (!_isGiven)
                return;
            _open!.SetLength(0);
            _open.Flush(flushToDisk: true);
            _isGiven = false;
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _open?.Dispose();
    }
}
